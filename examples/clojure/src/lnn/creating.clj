(ns lnn.creating
  "Models with random weights, in the form in which LNN exports trained ones."
  (:import java.util.Random))

(defn- described
  ([shape data] (described "float64" shape data))
  ([dtype shape data] {:dtype dtype, :shape shape, :data (vec data)}))

(defn- uniform [^Random random n low high]
  (repeatedly n #(+ low (* (- high low) (.nextDouble random)))))

(defn- numbers [random n low high]
  (described [n] (uniform random n low high)))

(defn- glorot
  "Return the arrays of a linear map with biases of 0."
  [random prefix n-outputs n-inputs]
  (let [bound (Math/sqrt (/ 6.0 (+ n-outputs n-inputs)))]
    {(str prefix "weight") (described [n-outputs n-inputs]
                                      (uniform random (* n-outputs n-inputs) (- bound) bound))
     (str prefix "bias") (described [n-outputs] (repeat n-outputs 0.0))}))

(defn- synapses
  "Return synapses from all sources to all neurons; a third of them inhibit."
  [^Random random prefix n-sources n]
  (let [pairs (for [source (range n-sources), target (range n)] [source target])
        k (count pairs)]
    {(str prefix "source") (described "int32" [k] (map first pairs))
     (str prefix "target") (described "int32" [k] (map second pairs))
     (str prefix "weight") (numbers random k 0.001 1.0)
     (str prefix "sigma") (numbers random k 3.0 8.0)
     (str prefix "mu") (numbers random k 0.3 0.8)
     (str prefix "erev") (described [k] (repeatedly k #(if (zero? (.nextInt random 3)) -1.0 1.0)))}))

(defmulti ^:private layer
  "Return [fields arrays] of a layer."
  (fn [cell _random _n-inputs _n] cell))

(defmethod layer :ltc [_ random n-inputs n]
  [{:cell "LTC", :solver "semi-implicit", :unfolds 6, :epsilon 1e-8}
   (merge {"layers.0.gleak" (numbers random n 0.001 1.0)
           "layers.0.vleak" (numbers random n -0.2 0.2)
           "layers.0.cm" (numbers random n 0.4 0.6)
           "layers.0.input_weight" (described [n-inputs] (repeat n-inputs 1.0))
           "layers.0.input_bias" (described [n-inputs] (repeat n-inputs 0.0))}
          (synapses random "layers.0.sensory." n-inputs n)
          (synapses random "layers.0.recurrent." n n))])

(defmethod layer :cfc [_ random n-inputs n]
  (let [maps ["ff1" "ff2" "time_a" "time_b"], units 32]
    [{:cell "CfC", :mode "default", :maps maps, :backbone_layers 1, :activation "lecun_tanh"}
     (into (glorot random "layers.0.backbone.0." units (+ n-inputs n))
           (map #(glorot random (str "layers.0." % ".") n units))
           maps)]))

(defmethod layer :default [cell _ _ _]
  (throw (ex-info (str "Expected :cell to be :ltc or :cfc, got " (pr-str cell) ".") {:cell cell})))

(defn random-model
  "Return a model as LNN exports it, without scalers and with an answer at each row."
  [{:keys [input-size hidden-size output-size cell seed] :or {cell :ltc, seed 0}}]
  (doseq [[name size] {:input-size input-size, :hidden-size hidden-size, :output-size output-size}]
    (when-not (pos-int? size)
      (throw (ex-info (str "Expected " name " to be a whole number >= 1, got " (pr-str size) ".")
                      {name size}))))
  (let [random (Random. seed)
        [fields arrays] (layer cell random input-size hidden-size)
        same (fn [n value] (described [n] (repeat n value)))]
    {:format "LNN spec"
     :version 1
     :task "regression"
     :input {:n_columns input-size, :columns (vec (range input-size)), :names nil, :anchors []
             :n_channels input-size, :n_read input-size}
     :reading {:kind "rows", :window_length nil, :every_step true}
     :missing "error"
     :clock {:kind "numbers", :unit 1.0, :regular false, :tolerance 0.0, :max_step nil}
     :dtype "float64"
     :own_scale nil
     :patch nil
     :layers [(assoc fields :n_inputs input-size :n_neurons hidden-size :mixed_memory false)]
     :pooling "last"
     :readout "dense"
     :answer {:n_outputs output-size, :n_targets output-size, :ndim (if (= output-size 1) 0 1)
              :classes nil, :quantiles nil, :loss "squared_error"}
     :arrays (merge arrays
                    (glorot random "readout." output-size hidden-size)
                    {"scaler.center" (same input-size 0.0)
                     "scaler.scale" (same input-size 1.0)
                     "scaler.neutral" (same input-size 0.0)
                     "target_scaler.center" (same output-size 0.0)
                     "target_scaler.scale" (same output-size 1.0)})}))
