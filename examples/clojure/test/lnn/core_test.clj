(ns lnn.core-test
  "clojure -M:test, or without tools: clojure -cp src:test -m lnn.core-test"
  (:require [clojure.edn :as edn]
            [clojure.java.io :as io]
            [clojure.test :refer [deftest is run-tests testing]]
            [lnn.core :as lnn]))

(defn- model [name]
  (lnn/load-network (io/file "test" "models" (str name ".edn"))))

(defn- nested [{:keys [shape data]}]
  (reduce (fn [values size] (mapv vec (partition size values)))
          data (reverse (rest shape))))

(defn- vectors
  "The recordings of a model's test vectors, and what Python answered to them."
  [net]
  (let [arrays (get-in net [:model :arrays])]
    (map (fn [rows gaps answers] {:rows rows, :gaps gaps, :answers answers})
         (nested (arrays "test.inputs"))
         (nested (arrays "test.gaps"))
         (nested (arrays "test.predictions")))))

(defn- apart [answers expected]
  (apply max (map #(abs (- %1 %2)) answers expected)))

(defn- stepped [net rows gaps]
  (second (reduce (fn [[state answers] [row gap]]
                    (let [[state answer] (lnn/step net state row gap)]
                      [state (conj answers answer)]))
                  [nil []] (map vector rows gaps))))

(deftest answers-as-in-python
  (testing "numbers: an LTC that carries its states over irregular time, values missing"
    (let [net (model "ltc")]
      (doseq [{:keys [rows gaps answers]} (vectors net)]
        (is (< (apart (lnn/forward net rows gaps) answers) 1e-5))
        (is (< (apart (stepped net rows gaps) answers) 1e-5)))))
  (testing "labels: a CfC on windows"
    (let [net (model "cfc")
          classes (get-in net [:model :answer :classes])]
      (doseq [{:keys [rows gaps answers]} (vectors net)]
        (is (= (lnn/forward net rows gaps) (map classes answers)))
        (is (= (stepped net rows gaps) (map classes answers)))
        (is (every? #(< (abs (- 1 (reduce + %))) 1e-9) (lnn/probabilities net rows gaps)))))))

(deftest keeps-within-limits
  (let [net (model "limited")
        flags (nested (get-in net [:model :arrays "test.feasible"]))]
    (doseq [[{:keys [rows gaps answers]} good] (map vector (vectors net) flags)]
      (is (< (apart (flatten (lnn/forward net rows gaps)) (flatten answers)) 1e-5))
      (is (< (apart (flatten (stepped net rows gaps)) (flatten answers)) 1e-5))
      (is (= (lnn/feasible net rows gaps) good)))
    (is (some false? (flatten flags)))
    (is (some true? (flatten flags)))
    (is (:feasible (first (lnn/step net nil [0.0 9.0]))))
    (is (thrown-with-msg? Exception #"no limits" (lnn/feasible (model "cfc") [[1.0 2.0]])))
    (is (thrown-with-msg? Exception #"limit that is known"
                          (lnn/network (assoc-in (:model net) [:constraints :limits 0 :kind]
                                                 "cone"))))))

(deftest states-are-plain-data
  (let [net (model "ltc")
        {:keys [rows gaps]} (first (vectors net))
        [state _] (lnn/step net nil (first rows))
        again (edn/read-string (pr-str state))]
    (is (= (lnn/step net state (second rows) (second gaps))
           (lnn/step net again (second rows) (second gaps))))))

(deftest creates-networks
  (let [options {:input-size 10 :hidden-size 32 :output-size 2}
        rows (for [k (range 5)] (for [j (range 10)] (Math/sin (+ k j))))]
    (doseq [cell [:ltc :cfc]]
      (let [network (lnn/create-network (assoc options :cell cell))
            answers (lnn/forward network rows [nil 0.1 0.5 1.0 2.0])]
        (is (= [5 2] [(count answers) (count (first answers))]))
        (is (= answers (lnn/forward (lnn/create-network (assoc options :cell cell)) rows
                                    [nil 0.1 0.5 1.0 2.0])))
        (is (not= answers (lnn/forward (lnn/create-network (assoc options :cell cell :seed 1))
                                       rows [nil 0.1 0.5 1.0 2.0])))
        (is (not= answers (lnn/forward network rows 1.0)) "time counts")))
    (is (= {:cells ["LTC"] :neurons [32] :inputs 10 :outputs 2
            ;; Four numbers for each of 10 * 32 + 32 * 32 synapses, and those of neurons,
            ;; inputs and outputs.
            :parameters (+ (* 4 42 32) (* 3 32) (* 2 10) (* 2 33))}
           (select-keys (lnn/network-summary (lnn/create-network options))
                        [:cells :neurons :inputs :outputs :parameters])))))

(deftest stores-networks
  (let [network (lnn/create-network {:input-size 2 :hidden-size 3 :output-size 1})
        file (java.io.File/createTempFile "network" ".edn")
        rows [[0.1 0.2] [0.3 0.4]]]
    (lnn/save-network network file)
    (is (= (lnn/forward network rows) (lnn/forward (lnn/load-network file) rows)))
    (.delete file)))

(deftest refuses-by-name
  (let [net (model "cfc")]
    (is (thrown-with-msg? Exception #"rows of 2 numbers" (lnn/forward net [[1.0]])))
    (is (thrown-with-msg? Exception #"finite" (lnn/forward net [[1.0 nil]])))
    (is (thrown-with-msg? Exception #"gaps" (lnn/forward net [[1.0 2.0] [1.0 2.0]] -1.0)))
    (is (thrown-with-msg? Exception #"regressor" (lnn/probabilities (model "ltc") [[1.0 2.0]])))
    (is (thrown-with-msg? Exception #"later" (lnn/network (assoc (:model net) :version 4))))
    (is (thrown-with-msg? Exception #"tape"
                          (lnn/network (assoc-in (:model net) [:layers 0 :cell] "tape"))))
    (is (thrown-with-msg? Exception #"model of LNN" (lnn/network {})))
    (is (thrown-with-msg? Exception #":hidden-size"
                          (lnn/create-network {:input-size 1 :hidden-size 0 :output-size 1})))
    (is (thrown-with-msg? Exception #":ltc or :cfc"
                          (lnn/create-network {:input-size 1 :hidden-size 2 :output-size 1
                                               :cell :tape})))))

(defn -main []
  (let [{:keys [fail error]} (run-tests 'lnn.core-test)]
    (System/exit (if (zero? (+ fail error)) 0 1))))
